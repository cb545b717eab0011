// fxc: cs_5_0 main
// Counts thread groups.
RWByteAddressBuffer counts : register(u0);
[numthreads(1, 1, 1)] void main() { uint before; counts.InterlockedAdd(0, 1, before); }
