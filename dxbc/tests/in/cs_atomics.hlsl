// fxc: cs_5_0 main
struct S { int a; uint b; };
RWStructuredBuffer<S> s : register(u0);
globallycoherent RWByteAddressBuffer raw : register(u1);
RWStructuredBuffer<uint> counter : register(u2);
RWStructuredBuffer<uint> down : register(u3);
groupshared int shared_value[4];
[numthreads(4, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    int old; uint uold;
    shared_value[id.x] = id.x;
    GroupMemoryBarrierWithGroupSync();
    InterlockedMax(s[id.x].a, -3, old); InterlockedMin(s[id.x].b, 7u, uold);
    InterlockedAnd(s[1].b, uold); InterlockedXor(s[2].b, 5, uold); InterlockedCompareStore(s[3].a, 1, old);
    InterlockedAdd(shared_value[id.x & 3], old); InterlockedExchange(shared_value[1], id.x, old);
    raw.InterlockedMax(4, uold); raw.InterlockedCompareExchange(8, uold, 9, uold); raw.InterlockedOr(12, uold, uold);
    DeviceMemoryBarrier();
    raw.Store4(16 + 128 * id.x, uint4(uold, old, counter.IncrementCounter(), down.DecrementCounter()));
    uint3 t = raw.Load3(28); raw.Store3(64 + 128 * id.x, t.zyx); counter[id.x] = t.y;
}
