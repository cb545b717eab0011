// fxc: cs_5_0 main
// Float instructions at the ends of their range: zeros of either sign, infinities, NaN, large angles, halves.
ByteAddressBuffer input : register(t0);
RWByteAddressBuffer output : register(u0);

[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID)
{
    float2 pair = asfloat(input.Load2(id.x * 8));
    float a = pair.x;
    float b = pair.y;
    float sine, cosine;
    sincos(a, sine, cosine);
    uint base = id.x * 80;
    output.Store4(base, asuint(float4(frac(a), round(a), floor(a), ceil(a))));
    output.Store4(base + 16, asuint(float4(trunc(a), rcp(a), rsqrt(a), sqrt(a))));
    output.Store4(base + 32, asuint(float4(exp2(a), log2(a), sine, cosine)));
    output.Store4(base + 48, uint4(asuint(min(a, b)), asuint(max(a, b)), f32tof16(a), asuint(saturate(a))));
    output.Store4(base + 64, uint4(asuint(a / b), a < b, a != b, asuint(a * b)));
}
