// fxc: vs_4_0 main
cbuffer bones : register(b3) { row_major float4x3 bone[60]; };
struct In { float4 position : POSITION; uint4 index : BLENDINDICES; float4 weight : BLENDWEIGHT; float2 uv[3] : TEXCOORD; };
struct Out { float4 position : SV_Position; float2 uv[4] : TEXCOORD; };
Out main(In i) {
    Out o;
    float3 p = 0;
    [loop] for (uint k = 0; k < 4; k++) p += i.weight.x * mul(i.position, bone[i.index.x + k]);
    o.position = float4(p, 1);
    [unroll] for (uint n = 0; n < 4; n++) o.uv[n] = i.uv[i.index[n] % 3] + n;
    return o;
}
