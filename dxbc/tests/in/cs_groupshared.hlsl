// fxc: cs_5_0 main
ByteAddressBuffer source : register(t0);
RWByteAddressBuffer target : register(u0);
groupshared uint sums[128];
groupshared uint total;
[numthreads(128, 1, 1)]
void main(uint3 id : SV_DispatchThreadID, uint index : SV_GroupIndex, uint3 group : SV_GroupID) {
    uint size;
    source.GetDimensions(size);
    sums[index] = id.x * 4 < size ? source.Load(id.x * 4) : 0;
    if (index == 0) total = 0;
    GroupMemoryBarrierWithGroupSync();
    for (uint step = 64; step > 0; step >>= 1) {
        if (index < step) sums[index] += sums[index + step];
        GroupMemoryBarrierWithGroupSync();
    }
    InterlockedAdd(total, index);
    AllMemoryBarrierWithGroupSync();
    if (index == 0) {
        uint old;
        target.InterlockedAdd(0, sums[0], old);
        target.Store2(8 * group.x + 4, uint2(sums[0], total));
    }
}
