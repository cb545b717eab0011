// fxc: cs_5_0 main
RWStructuredBuffer<int> target : register(u0);
StructuredBuffer<int> source : register(t0);
[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
    int n = source[id.x], sum = 0;
    [branch] if (n < 0) { target[id.x] = -1; return; }
    [loop] for (int i = 0; i < n; i++) {
        [branch] if (i == 3) continue;
        [branch] if (sum > 100) break;
        [loop] for (int j = i; ; j++) {
            [branch] if (j >= 2 * i + 1) break;
            [branch] if (j == 11) { sum += 1000; break; }
            sum += j;
        }
        [branch] switch (i) {
            case 0: sum += 1; break;
            case 1: case 2: sum += 7; if (n == 5) { break; } sum += 2; break;
            case 6: [branch] if (n == 9) { target[id.x] = sum * 10; return; } break;
            default: sum -= 1; break;
        }
        [branch] if (n == 13 && i == 5) { target[id.x] = -sum; return; }
    }
    [call] switch (n & 3) { case 0: sum ^= 0x10; break; case 2: sum = sum * 3 + 1; break; case 3: if (sum & 1) { sum = 77; break; } sum >>= 1; break; }
    target[id.x] = sum;
}
