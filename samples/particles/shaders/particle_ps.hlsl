// fxc: ps_5_0 main
// A soft round dot, for additive blending. The colour is rounded to whole steps of 1/255: sums of such colours are exact in
// an 8-bit target, so that overlapping particles look the same on every GPU.

struct Varying
{
    float4 position : SV_Position;
    float2 corner : CORNER;
    nointerpolation float3 colour : COLOR;
};

float4 main(Varying input) : SV_Target
{
    float falloff = saturate(1 - dot(input.corner, input.corner));
    return float4(round(input.colour * falloff * 255) / 255, 1);
}
