// fxc: cs_5_0 main
// Moves every particle by one step: a spring to the centre with a swirl around it, and a new start once its life is over.
// `simulation.rs` computes the same on the CPU. `precise` keeps the compiler from fusing or reordering the arithmetic, so
// that rounding is the same there.

struct Particle
{
    float2 position; // clip space: -1 to 1
    float2 velocity; // clip space per step
    uint life;       // steps until the next start
    uint random;     // state of the particle's random numbers
};

cbuffer Simulation : register(b0)
{
    uint count;
    float spring;
    float swirl;
    float drag;
};

RWStructuredBuffer<Particle> particles : register(u0);

// One step of the 32-bit linear congruential generator of Numerical Recipes.
uint next_random(uint state)
{
    return state * 1664525 + 1013904223;
}

// The upper 16 bits as a number from -1 to just below 1; exact in single precision.
float signed_unit(uint random)
{
    return (float)(random >> 16) / 32768.0 - 1.0;
}

[numthreads(64, 1, 1)]
void main(uint3 id : SV_DispatchThreadID)
{
    if (id.x >= count)
    {
        return;
    }
    Particle particle = particles[id.x];
    if (particle.life == 0)
    {
        uint first = next_random(particle.random);
        uint second = next_random(first);
        uint third = next_random(second);
        particle.position = float2(signed_unit(first), signed_unit(second));
        particle.velocity = float2(0, 0);
        particle.life = 64 + (third >> 25);
        particle.random = third;
    }
    else
    {
        precise float2 pull = particle.position * spring;
        precise float2 turn = float2(particle.position.y, -particle.position.x) * swirl;
        precise float2 push = turn - pull;
        precise float2 velocity = particle.velocity * drag;
        velocity = velocity + push;
        precise float2 position = particle.position + velocity;
        particle.velocity = velocity;
        particle.position = position;
        particle.life = particle.life - 1;
    }
    particles[id.x] = particle;
}
