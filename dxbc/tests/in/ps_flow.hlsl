// fxc: ps_5_0 main
cbuffer c : register(b0) { uint kind; int steps; float4 table[16]; };
Texture2D image : register(t0);
float4 main(float4 position : SV_Position, float2 uv : TEXCOORD0, nointerpolation int n : N) : SV_Target {
    float4 sum = 0;
    [loop] for (int i = 0; i < steps; i++) {
        if (i == 7) continue;
        [branch] if (sum.x > 100) break;
        [branch] if (sum.y < -100) return sum;
        sum += table[i & 15] * image.Load(int3(position.xy, i & 3));
    }
    [call] switch (kind) {
        case 0: sum.x += 1; break;
        case 1: case 2: sum.y += uv.x; break;
        case 5: if (n > 3) { sum.z = n; break; } sum.w = 4; break;
        default: sum *= 0.5; break;
    }
    [branch] switch (n) { case 3: discard; break; case 4: [loop] while (sum.x < uv.y) { sum.x += 0.25; if (sum.x == 3) break; } break; }
    return sum;
}
