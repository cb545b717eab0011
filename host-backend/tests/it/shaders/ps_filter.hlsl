// fxc: ps_5_0 floats
// fxc: ps_5_0 all
// fxc: ps_5_0 many
// Textures that are read with one sampler: colours, depths and numbers.
Texture2D<float> colors : register(t0);
Texture2D<float> depths : register(t1);
Texture2D<uint2> numbers : register(t2);
Texture2D<float> more[20] : register(t3);
SamplerState one : register(s0);

float4 floats(float4 position : SV_Position) : SV_Target
{
    float2 at = position.xy / 64;
    return float4(colors.Sample(one, at), depths.SampleLevel(one, at, 0), depths.CalculateLevelOfDetail(one, at), 1);
}

float4 all(float4 position : SV_Position) : SV_Target
{
    float2 at = position.xy / 64;
    float deep = depths.SampleGrad(one, at, 0.01, 0.01);
    return float4(colors.Sample(one, at), deep, numbers.GatherGreen(one, at).x / 255.0, depths.Gather(one, at).x);
}

// More textures than samplers have room.
float4 many(float4 position : SV_Position) : SV_Target
{
    float2 at = position.xy / 64;
    float sum = 0;
    [unroll] for (int i = 0; i < 20; i++) {
        sum += more[i].SampleLevel(one, at, 0);
    }
    return float4(colors.Sample(one, at), depths.SampleLevel(one, at, 0), sum, 1);
}
