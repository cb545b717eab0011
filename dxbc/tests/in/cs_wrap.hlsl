// fxc: cs_5_0 main
// Accesses at the end of the 32-bit address range must not wrap around to the start of the buffer.
ByteAddressBuffer addresses : register(t0);
StructuredBuffer<uint4> structures : register(t1);
ByteAddressBuffer source : register(t2);
RWByteAddressBuffer raw : register(u0);
RWByteAddressBuffer results : register(u1);

[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID)
{
    uint address = addresses.Load(id.x * 4);
    uint4 sum = source.Load4(address);
    sum += structures[address];
    raw.Store4(address, uint4(91, 92, 93, 94));
    results.Store4(id.x * 16, sum);
}
