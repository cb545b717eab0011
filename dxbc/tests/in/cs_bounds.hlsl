// fxc: cs_5_0 main
// Every access here leaves its bounds for some index.
cbuffer c : register(b0) { float4 constants[4]; };
static const float4 literals[3] = { float4(1, 2, 3, 4), float4(5, 6, 7, 8), float4(9, 10, 11, 12) };
StructuredBuffer<float3> structures : register(t0);
ByteAddressBuffer raw : register(t1);
RWStructuredBuffer<float4> target : register(u0);
RWByteAddressBuffer raw_target : register(u1);
groupshared float shared_values[8];
[numthreads(8, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    uint index = raw.Load(0) + id.x * raw.Load(4);
    float values[4];
    [unroll] for (uint k = 0; k < 4; k++) values[k] = raw.Load(4 * k);
    values[index] = 42;
    shared_values[id.x] = id.x;
    GroupMemoryBarrierWithGroupSync();
    target[4 * id.x] = float4(structures[index], shared_values[index]);
    target[4 * id.x + 1] = constants[index];
    target[4 * id.x + 2] = literals[index];
    target[4 * id.x + 3] = float4(values[0], values[id.x & 3], raw.Load(4 * index), 1);
    target[index + 32] = 7;
    raw_target.Store(4 * index, id.x + 1);
    uint count, stride; structures.GetDimensions(count, stride);
    raw_target.Store2(64 + 8 * id.x, uint2(count, stride));
}
