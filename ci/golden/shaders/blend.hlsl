// Colours for blending.

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

// fxc: ps_5_0 gradient
float4 gradient(Full pixel) : SV_Target
{
    return float4(pixel.uv, 0.75, 0.25 + pixel.uv.x / 2);
}

struct Dual
{
    float4 colour : SV_Target0;
    float4 factor : SV_Target1;
};

// The second output is a factor, not a target's colour.
// fxc: ps_5_0 dual
Dual dual(Full pixel)
{
    Dual result = { float4(0.5, 1, 0.25, 0.5), float4(pixel.uv, 0.5, pixel.uv.y) };
    return result;
}

struct Four
{
    float4 colours[4] : SV_Target;
};

// fxc: ps_5_0 four
Four four(Full pixel)
{
    Four result = { float4(pixel.uv, 0, 0.5), float4(pixel.uv, 0, 0.5), float4(pixel.uv, 0, 0.5), float4(pixel.uv, 0, 0.5) };
    return result;
}

// Integers for logic operations.
// fxc: ps_5_0 bits
uint4 bits(Full pixel) : SV_Target
{
    uint2 place = uint2(pixel.position.xy);
    return uint4(place.x * 5 & 255, place.y * 9 & 255, 0x0f, 0xaa);
}

// fxc: ps_5_0 negative
float4 negative(Full pixel) : SV_Target
{
    return float4(pixel.uv.x * 4 - 2, -1, 3, 0.5);
}
