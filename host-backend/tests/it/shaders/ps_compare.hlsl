// fxc: ps_5_0 main
// Whether a half compares with a texel.
Texture2D<float> image : register(t0);
SamplerComparisonState comparison : register(s0);
float4 main(float4 position : SV_Position) : SV_Target { return image.SampleCmpLevelZero(comparison, position.xy / 64, 0.5); }
