// fxc: cs_5_0 main
// Masked sums of absolute differences, as one instruction and as the intrinsic that takes four places.
StructuredBuffer<uint4> input : register(t0);
RWStructuredBuffer<uint4> output : register(u0);

[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID)
{
    uint4 value = input[id.x];
    output[id.x] = msad4(value.x, value.yz, value.wxyz);
}
