// fxc: ps_5_0 main
// A texel of a texture, and a quarter.
Texture2D<float4> image : register(t0);
float4 main(float4 position : SV_Position) : SV_Target { return image.Load(int3(position.xy, 0)) + 0.25; }
