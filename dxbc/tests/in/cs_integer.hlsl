// fxc: cs_5_0 main
RWStructuredBuffer<uint4> target : register(u0);
StructuredBuffer<uint4> source : register(t0);
[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    uint4 a = source[2 * id.x], b = source[2 * id.x + 1];
    int4 sa = a, sb = b;
    uint n = 32 * id.x;
    target[n + 0] = a + b;
    target[n + 1] = a * b;
    target[n + 2] = a / b;
    target[n + 3] = a % b;
    target[n + 4] = a << b;
    target[n + 5] = a >> b;
    target[n + 6] = sa >> sb;
    target[n + 7] = uint4(max(sa, sb));
    target[n + 8] = min(a, b);
    target[n + 9] = countbits(a);
    target[n + 10] = firstbithigh(a);
    target[n + 11] = firstbitlow(a);
    target[n + 12] = uint4(firstbithigh(sa));
    target[n + 13] = reversebits(a);
    target[n + 14] = (a >> 5) & 0xff;
    target[n + 15] = a ^ ~b;
    target[n + 16] = uint4(sa / sb);
    target[n + 17] = f32tof16(asfloat(a));
    target[n + 18] = asuint(f16tof32(b));
    target[n + 19] = uint4(asfloat(a));
    target[n + 20] = uint4(int4(asfloat(a)));
    target[n + 21] = asuint(float4(a));
    target[n + 22] = asuint(float4(sa));
    target[n + 23] = asuint(min(asfloat(a), asfloat(b)));
    target[n + 24] = asuint(saturate(asfloat(a)));
    target[n + 25] = asfloat(a) < asfloat(b) ? a : b;
    target[n + 26] = asuint(round(asfloat(a)));
    target[n + 27] = uint4(sa << 3 >> 3) + uint4(sa < sb);
    target[n + 28] = a * 3 + b;
    target[n + 29] = asfloat(a) != asfloat(b);
    target[n + 30] = uint4((sa << 20) >> 24);
    target[n + 31] = (a & 0xffff00ff) | ((b & 0xff) << 8);
}
