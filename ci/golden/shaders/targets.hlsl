// Several targets, and writes beside them.

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

struct Eight
{
    float4 colours[8] : SV_Target;
};

// fxc: ps_5_0 eight
Eight eight(Full pixel)
{
    Eight result;
    [unroll] for (uint n = 0; n < 8; n++)
        result.colours[n] = float4(n / 8.0, pixel.uv, 1);
    return result;
}

struct Mixed
{
    float4 first : SV_Target0;
    uint4 second : SV_Target1;
    float4 third : SV_Target3;
};

// fxc: ps_5_0 mixed
Mixed mixed(Full pixel)
{
    Mixed result = { float4(pixel.uv, 0, 1), uint4(pixel.position.xy, 7, 9), float4(pixel.uv * 100, -5, 1000) };
    return result;
}

RWTexture2D<float4> written : register(u1);
RWTexture2D<float4> alone : register(u0);
RWStructuredBuffer<uint> counts : register(u1);
RWByteAddressBuffer bytes : register(u2);

// fxc: ps_5_0 write_beside
float4 write_beside(Full pixel) : SV_Target
{
    uint2 place = uint2(pixel.position.xy);
    written[uint2(63 - place.x, place.y)] = float4(pixel.uv, 1, 1);
    return float4(0, pixel.uv, 1);
}

// fxc: ps_5_0 write_alone
void write_alone(Full pixel)
{
    alone[uint2(pixel.position.yx)] = float4(pixel.uv, 0.5, 1);
}

// fxc: ps_5_0 count_pixels
float4 count_pixels(Full pixel) : SV_Target
{
    uint place = counts.IncrementCounter();
    if (pixel.uv.x < 0.25)
        bytes.InterlockedAdd(4, 1);
    return 1;
}

// A discarded pixel writes nothing more.
// fxc: ps_5_0 discard_then_write
float4 discard_then_write(Full pixel) : SV_Target
{
    if (pixel.uv.x < 0.5)
        discard;
    bytes.InterlockedAdd(0, 1);
    return 1;
}

// fxc: ps_5_0 shade
float4 shade(Full pixel) : SV_Target
{
    return float4(pixel.uv, 1 - pixel.uv.x, 1);
}

Texture2D<float4> source : register(t0);
SamplerState sampling : register(s0);

// fxc: ps_5_0 halve
float4 halve(Full pixel) : SV_Target
{
    return source.Sample(sampling, pixel.uv) * 0.5;
}

// Classes that the program chooses when it binds the shader.
interface Tint
{
    float4 colour(float2 uv);
};

class Plain : Tint
{
    float4 first;
    float4 colour(float2 uv)
    {
        return first;
    }
};

class Striped : Tint
{
    float4 first;
    float4 second;
    float4 colour(float2 uv)
    {
        return frac(uv.x * 4) < 0.5 ? first : second;
    }
};

cbuffer Instances : register(b0)
{
    Plain plain;
    Striped striped;
};

Tint tint;

// fxc: ps_5_0 linked
float4 linked(Full pixel) : SV_Target
{
    return tint.colour(pixel.uv);
}

struct Colour
{
    float3 rgb;
};

StructuredBuffer<Colour> colours : register(t0);

// Bands of colours out of a buffer.
// fxc: ps_5_0 bands
float4 bands(Full pixel) : SV_Target
{
    return float4(colours[uint(pixel.position.x) / 8].rgb, 1);
}
