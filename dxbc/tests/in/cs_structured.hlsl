// fxc: cs_5_0 main
struct Particle { float3 position; float mass; float3 velocity; uint id; };
StructuredBuffer<Particle> source : register(t0);
RWStructuredBuffer<Particle> target : register(u0);
AppendStructuredBuffer<uint> alive : register(u1);
ConsumeStructuredBuffer<uint> dead : register(u2);
cbuffer step : register(b0) { float dt; uint count; };
[numthreads(64, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    if (id.x >= count) return;
    Particle p = source[id.x];
    p.velocity.y -= 9.81 * dt;
    p.position += p.velocity * dt;
    if (p.position.y < 0) { p.velocity.y = -p.velocity.y; p.position.y = 0; alive.Append(p.id); }
    else if (p.mass == 0) { p.id = dead.Consume(); }
    target[id.x] = p;
}
