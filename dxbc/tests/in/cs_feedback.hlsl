// fxc: cs_5_0 main
// Tiled resources in a compute shader: without sparse memory everything is mapped and the values are those of the plain reads.
Texture2D<float> image : register(t0);
ByteAddressBuffer bytes : register(t1);
StructuredBuffer<uint2> pairs : register(t2);
RWByteAddressBuffer results : register(u0);
SamplerState filter : register(s0);

[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID)
{
    uint mapped = 0, status;
    float texel = image.Load(int3(id.x, 1, 0), int2(0, 1), status);
    mapped |= CheckAccessFullyMapped(status) ? 1 : 0;
    float level = image.SampleLevel(filter, float2(0.625, 0.125), 0, int2(0, 0), status);
    mapped |= CheckAccessFullyMapped(status) ? 2 : 0;
    float4 gathered = image.Gather(filter, float2(0.5, 0.5), int2(0, 0), status);
    mapped |= CheckAccessFullyMapped(status) ? 4 : 0;
    uint raw = bytes.Load(id.x * 4, status);
    mapped |= CheckAccessFullyMapped(status) ? 8 : 0;
    uint2 pair = pairs.Load(id.x, status);
    mapped |= CheckAccessFullyMapped(status) ? 16 : 0;
    results.Store4(id.x * 32, uint4(mapped, raw, pair));
    results.Store4(id.x * 32 + 16, uint4(asuint(texel), asuint(level), asuint(gathered.x), asuint(gathered.z)));
}
