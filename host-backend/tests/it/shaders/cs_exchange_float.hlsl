// fxc: cs_5_0 main
// Exchanges floats of a texture and of a buffer.
RWTexture2D<float> image : register(u0);
RWBuffer<float> list : register(u1);
[numthreads(4, 1, 1)] void main(uint3 id : SV_DispatchThreadID)
{
    float before;
    InterlockedExchange(image[id.xy], 1.5 * id.x, before);
    InterlockedExchange(list[id.x], before + 10 * id.x, before);
}
