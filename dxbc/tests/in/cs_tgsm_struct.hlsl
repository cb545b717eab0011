// fxc: cs_4_0 main
struct Item { float4 a; uint b; };
RWStructuredBuffer<Item> target : register(u0);
groupshared Item items[16];
[numthreads(16, 1, 1)]
void main(uint index : SV_GroupIndex, uint3 tid : SV_GroupThreadID) {
    items[index].a = tid.xyzx + 0.5; items[index].b = index;
    GroupMemoryBarrierWithGroupSync();
    target[index] = items[index];
}
