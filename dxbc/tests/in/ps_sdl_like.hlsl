// fxc: ps_4_0_level_9_1 main
Texture2D image : register(t0);
SamplerState image_sampler : register(s0);
struct In { float4 position : SV_POSITION; float2 uv : TEXCOORD0; float4 color : COLOR0; };
float4 main(In i) : SV_TARGET { return image.Sample(image_sampler, i.uv) * i.color; }
