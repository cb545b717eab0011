// fxc: ps_5_0 main
// A class with a texture and a sampler of its own, one with constants, and a class that holds an interface's result.
Texture2D textures[4] : register(t2);
SamplerState samplers[2] : register(s1);

interface Paint
{
    float4 color(float2 place);
};

class Textured : Paint
{
    float4 tint;
    Texture2D texel;
    SamplerState filter;
    float4 color(float2 place) { return texel.Sample(filter, place) * tint; }
};

class Flat : Paint
{
    float4 value;
    float4 color(float2 place) { return value + float4(place, 0, 0); }
};

cbuffer Objects : register(b2)
{
    Textured textured;
    Flat flat_paint;
    float4 other;
};

Paint front;
Paint back;

float4 main(float2 place : TEXCOORD, bool facing : SV_IsFrontFace) : SV_Target
{
    if (facing)
        return front.color(place) + other;
    return back.color(place.yx) * front.color(place.yx);
}
