// fxc: ps_5_0 main
static const float4 palette[6] = { float4(1,0,0,1), float4(0,1,0,1), float4(0,0,1,1), float4(1,1,0,1), float4(0.5,0.25,2,1), float4(1,2,3,4) };
cbuffer c : register(b2) { float4 weights[32]; int offset; };
struct In { float4 position : SV_Position; float4 uv[4] : TEXCOORD; nointerpolation uint which : WHICH; };
struct Out { float4 color[3] : SV_Target; };
Out main(In i) {
    float values[8];
    [loop] for (uint k = 0; k < 8; k++) values[k] = weights[k + offset].x * k;
    [loop] for (uint j = 0; j < 7; j++) values[(j + i.which) & 7] += i.uv[j & 3].y;
    Out o;
    o.color[0] = palette[i.which % 6] + values[i.which & 7];
    o.color[1] = i.uv[i.which & 3];
    o.color[2] = weights[i.which].wzyx;
    return o;
}
