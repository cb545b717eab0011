// fxc: vs_4_0_level_9_1 main
cbuffer constants : register(b0) { matrix model; matrix projection; };
struct In { float3 position : POSITION; float2 uv : TEXCOORD0; float4 color : COLOR0; };
struct Out { float4 position : SV_POSITION; float2 uv : TEXCOORD0; float4 color : COLOR0; };
Out main(In i) { Out o; o.position = mul(mul(float4(i.position, 1), model), projection); o.uv = i.uv; o.color = i.color; return o; }
