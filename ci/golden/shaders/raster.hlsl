// Rasterizer state that a shader can see.

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

// The depth after the viewport's transformation.
// fxc: ps_5_0 depth
float4 depth(float4 position : SV_Position, float4 colour : COLOR) : SV_Target
{
    return float4(position.zzz, 1);
}

// Alpha rises from left to right.
// fxc: ps_5_0 rising_alpha
float4 rising_alpha(Full pixel) : SV_Target
{
    return float4(1, 1, 1, pixel.uv.x);
}

// The share of a pixel's samples that are covered.
// fxc: ps_5_0 covered
float4 covered(float4 position : SV_Position, float4 colour : COLOR, uint coverage : SV_Coverage) : SV_Target
{
    return countbits(coverage) / 4.0;
}

// Where pixels' centres are.
// fxc: ps_5_0 place
float4 place(float4 position : SV_Position, float4 colour : COLOR) : SV_Target
{
    return float4(position.xy / 64, frac(position.xy));
}
