// fxc: cs_5_0 main
// A typed view of floats: exchanged, read and written; and addresses at the end of the 32-bit range.
RWTexture2D<float> image : register(u0);
RWBuffer<float> texels : register(u1);
RWByteAddressBuffer raw : register(u2);
RWStructuredBuffer<uint4> structures : register(u3);

[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID)
{
    float before;
    InterlockedExchange(image[id.xy], 2.5, before);
    texels[id.x] = before + image[id.xy + 1];
    float second;
    InterlockedExchange(texels[id.x + 1], before, second);
    raw.Store(0, asuint(second));
}
