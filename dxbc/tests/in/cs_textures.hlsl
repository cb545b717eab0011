// fxc: cs_5_0 main
Texture2D<float> image : register(t0);
Texture2D<float> shadow : register(t1);
SamplerState nearest : register(s0);
SamplerComparisonState less : register(s1);
StructuredBuffer<int2> where : register(t2);
RWStructuredBuffer<float4> target : register(u0);
[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    int2 p = where[id.x];
    float2 uv = (p + 0.5) / 4;
    uint w, h, levels;
    image.GetDimensions(id.x & 1, w, h, levels);
    target[6 * id.x] = float4(image.Load(int3(p, 0)), image.Load(int3(p, 0), int2(1, -1)), image.SampleLevel(nearest, uv, 0), image.SampleLevel(nearest, uv, 0, int2(-1, 1)));
    target[6 * id.x + 1] = float4(shadow.SampleCmpLevelZero(less, uv, 0.46875), shadow.SampleCmpLevelZero(less, uv, 0.46875, int2(1, 0)), shadow.Load(int3(p, 1)), shadow.SampleLevel(nearest, uv, 0));
    target[6 * id.x + 2] = image.Gather(nearest, p / 4.0);
    target[6 * id.x + 3] = image.Gather(nearest, p / 4.0, p);
    target[6 * id.x + 4] = shadow.GatherCmp(less, p / 4.0, 0.46875);
    target[6 * id.x + 5] = float4(w, h, levels, image.SampleGrad(nearest, uv, 0, 0));
}
