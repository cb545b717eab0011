// fxc: cs_5_0 main
RWStructuredBuffer<double> target : register(u0);
StructuredBuffer<double> source : register(t0);
[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    double a = source[0], b = source[1];
    target[0] = a + b; target[1] = a * b; target[2] = min(a, b); target[3] = max(a, b);
    target[4] = a < b ? a : b; target[5] = (double)(float)a; target[6] = -abs(b); target[7] = a == b ? 1.5L : 2.5L;
    target[8] = (double)id.x + (a >= b ? 1 : 0) + (a != b ? 2 : 0);
}
