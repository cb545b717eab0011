// fxc: vs_5_0 main
// One small square per particle (instance), read straight from the buffer that the compute shader wrote. No vertex buffer.

struct Particle
{
    float2 position;
    float2 velocity;
    uint life;
    uint random;
};

cbuffer View : register(b0)
{
    float2 half_size; // of a particle, in clip space
    float2 unused;
};

StructuredBuffer<Particle> particles : register(t0);

struct Varying
{
    float4 position : SV_Position;
    float2 corner : CORNER;
    nointerpolation float3 colour : COLOR;
};

Varying main(uint vertex : SV_VertexID, uint instance : SV_InstanceID)
{
    Particle particle = particles[instance];
    // Corners of a triangle strip, clockwise as front faces are: (-1,1), (1,1), (-1,-1), (1,-1).
    float2 corner = float2((vertex & 1) * 2.0 - 1, 1 - (vertex >> 1) * 2.0);
    float speed = saturate(length(particle.velocity) * 40);
    float fade = saturate(particle.life / 32.0);

    Varying result;
    result.position = float4(particle.position + corner * half_size, 0, 1);
    result.corner = corner;
    result.colour = lerp(float3(0.06, 0.14, 0.40), float3(0.45, 0.20, 0.06), speed) * fade;
    return result;
}
