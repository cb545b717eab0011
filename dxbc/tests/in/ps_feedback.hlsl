// fxc: ps_5_0 main
// Tiled resources: every read that tells whether the memory behind it is there.
Texture2D<float4> flat_texture : register(t0);
Texture2DArray<float4> layers : register(t1);
TextureCube<float4> cube : register(t2);
Texture3D<uint4> volume : register(t3);
Texture2DMS<float4> samples : register(t4);
Buffer<float4> texels : register(t5);
ByteAddressBuffer bytes : register(t6);
StructuredBuffer<float4> structures : register(t7);
Texture2D<float> depth : register(t8);
RWTexture2D<float> written : register(u1);
RWByteAddressBuffer raw : register(u2);
SamplerState filter : register(s0);
SamplerComparisonState compare : register(s1);

float4 main(float3 place : TEXCOORD, uint3 at : PLACE) : SV_Target
{
    uint status;
    float4 sum = 0;
    uint mapped = 0;
    sum += flat_texture.Sample(filter, place.xy, int2(1, -2), 0.5, status);
    mapped += CheckAccessFullyMapped(status);
    sum += flat_texture.Sample(filter, place.xy, int2(0, 0), 1.5);
    sum += layers.SampleBias(filter, place, 0.25, int2(0, 0), 1, status);
    mapped += CheckAccessFullyMapped(status) ? 2 : 0;
    sum += flat_texture.SampleLevel(filter, place.xy, 1, int2(0, 0), status);
    mapped += CheckAccessFullyMapped(status) ? 4 : 0;
    sum += flat_texture.SampleGrad(filter, place.xy, place.yz, place.zx, int2(0, 0), 2, status);
    mapped += CheckAccessFullyMapped(status) ? 8 : 0;
    sum += depth.SampleCmp(compare, place.xy, 0.5, int2(0, 0), 1, status);
    mapped += CheckAccessFullyMapped(status) ? 16 : 0;
    sum += depth.SampleCmpLevelZero(compare, place.xy, 0.5, int2(0, 0), status);
    mapped += CheckAccessFullyMapped(status) ? 32 : 0;
    sum += flat_texture.Gather(filter, place.xy, int2(1, 1), status);
    mapped += CheckAccessFullyMapped(status) ? 64 : 0;
    sum += depth.GatherCmp(compare, place.xy, 0.5, int2(0, 0), status);
    mapped += CheckAccessFullyMapped(status) ? 128 : 0;
    sum += flat_texture.Gather(filter, place.xy, int2(at.xy), status);
    mapped += CheckAccessFullyMapped(status) ? 256 : 0;
    sum += volume.Load(int4(at, 0), int3(0, 0, 0), status);
    mapped += CheckAccessFullyMapped(status) ? 512 : 0;
    sum += samples.Load(int2(at.xy), 1, int2(0, 0), status);
    mapped += CheckAccessFullyMapped(status) ? 1024 : 0;
    sum += texels.Load(at.x, status);
    mapped += CheckAccessFullyMapped(status) ? 2048 : 0;
    sum += asfloat(bytes.Load4(at.x * 16, status));
    mapped += CheckAccessFullyMapped(status) ? 4096 : 0;
    sum += structures.Load(at.x, status);
    mapped += CheckAccessFullyMapped(status) ? 8192 : 0;
    sum += written.Load(at.xy, status);
    mapped += CheckAccessFullyMapped(status) ? 16384 : 0;
    sum += asfloat(raw.Load2(at.y * 8, status)).xyxy;
    mapped += CheckAccessFullyMapped(status) ? 32768 : 0;
    sum += cube.Sample(filter, place, 0.75, status);
    mapped += CheckAccessFullyMapped(status) ? 65536 : 0;
    sum += depth.GatherCmp(compare, place.xy, 0.5, int2(at.yx), status);
    mapped += CheckAccessFullyMapped(status) ? 131072 : 0;
    written[at.xy] = mapped;
    return sum;
}
