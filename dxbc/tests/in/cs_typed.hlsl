// fxc: cs_5_0 main
Buffer<float4> source : register(t0);
Texture3D<uint4> volume : register(t1);
Texture1D<float> curve : register(t2);
SamplerState clamped : register(s3);
RWBuffer<uint> counts : register(u0);
RWTexture2D<float4> image : register(u1);
RWTexture2D<float> depth : register(u2);
RWTexture3D<int> grid : register(u3);
RWTexture2DArray<uint> layers : register(u4);
RWTexture1D<float2> line1 : register(u5);
[numthreads(8, 8, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    float4 v = source[id.x];
    uint w, h, d, n;
    volume.GetDimensions(1, w, h, d, n);
    v += volume.Load(int4(id, 0));
    v.x += curve.SampleLevel(clamped, v.x, 2);
    InterlockedAdd(counts[w], h + d * n);
    uint old;
    InterlockedCompareExchange(layers[id], 3, 4, old);
    InterlockedMin(grid[id], (int)old);
    depth[id.xy] = depth[id.xy] * 2;
    image[id.xy] = v;
    line1[id.x] = v.xy;
    uint m; counts.GetDimensions(m);
    InterlockedExchange(counts[m - 1], id.z, old);
    InterlockedOr(counts[old], 8);
}
