// fxc: ps_4_1 main
// Values of several sizes share registers, and a pixel shader reads what another stage may not write.
struct In { float4 position : SV_Position; float a : A; float3 b : B; float2 c : C; float2 d : D; nointerpolation uint e : E; nointerpolation int f : F; uint prim : SV_PrimitiveID; };
float4 main(In i) : SV_Target { return float4(i.a, i.b) + float4(i.c, i.d) + i.e + i.f * i.prim; }
