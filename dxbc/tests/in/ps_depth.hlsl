// fxc: ps_5_0 main
float4 main(float4 position : SV_Position, float4 a : A, out float depth : SV_Depth) : SV_Target { depth = a.x; return a; }
