// fxc: cs_5_0 main
// Writes arguments of a draw: six vertices, one instance.
RWByteAddressBuffer arguments : register(u0);
[numthreads(1, 1, 1)] void main() { arguments.Store4(16, uint4(6, 1, 0, 0)); }
