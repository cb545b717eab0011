// One construct of flow control each: 64 threads, each with its own number.

StructuredBuffer<uint> input : register(t0);
RWStructuredBuffer<uint> output : register(u0);

#define PROGRAM(name) \
    uint name##_of(uint a); \
    [numthreads(64, 1, 1)] void name(uint i : SV_DispatchThreadID) \
    { \
        output[i] = name##_of(input[i]); \
    } \
    uint name##_of(uint a)

// fxc: cs_5_0 counted_loop
PROGRAM(counted_loop)
{
    uint sum = 0;
    [loop] for (uint n = 0; n < a % 20; n++)
        sum += n * n;
    return sum;
}

// fxc: cs_5_0 unrolled_loop
PROGRAM(unrolled_loop)
{
    uint sum = a;
    [unroll] for (uint n = 0; n < 7; n++)
        sum = sum * 31 + n;
    return sum;
}

// fxc: cs_5_0 endless_loop
PROGRAM(endless_loop)
{
    uint steps = 0;
    [loop] while (true)
    {
        if (a <= 1)
            break;
        a = (a & 1) ? a * 3 + 1 : a / 2;
        if (++steps >= 100)
            break;
    }
    return steps;
}

// fxc: cs_5_0 continued_loop
PROGRAM(continued_loop)
{
    uint sum = 0;
    [loop] for (uint n = 0; n < 30; n++)
    {
        if ((n + a) % 3 == 0)
            continue;
        sum += n;
    }
    return sum;
}

// fxc: cs_5_0 nested_loops
PROGRAM(nested_loops)
{
    uint sum = 0;
    [loop] for (uint n = 0; n < a % 8; n++)
    {
        [loop] for (uint m = n; m < 9; m++)
        {
            if (m * n > a % 17)
                break;
            sum += m + 1;
        }
    }
    return sum;
}

// fxc: cs_5_0 loop_at_end
PROGRAM(loop_at_end)
{
    uint count = 0;
    [loop] do
    {
        a >>= 1;
        count++;
    } while (a != 0);
    return count;
}

// fxc: cs_5_0 branches
PROGRAM(branches)
{
    uint result;
    [branch] if (a % 2 == 0)
    {
        [branch] if (a % 4 == 0)
            result = a / 4;
        else
            result = a * 5;
    }
    else
    {
        result = a + 1000;
    }
    return result;
}

// fxc: cs_5_0 flattened
PROGRAM(flattened)
{
    uint result = 7;
    [flatten] if (a % 3 == 1)
        result = a;
    return result;
}

// fxc: cs_5_0 switched
PROGRAM(switched)
{
    uint result = 0;
    [forcecase] switch (a % 7)
    {
    case 0:
        result = 11;
        break;
    case 1:
    case 2:
        result = a * 2;
        break;
    case 5:
        result = a + 5;
        break;
    default:
        result = 99;
        break;
    }
    return result;
}

// fxc: cs_5_0 switch_in_loop
PROGRAM(switch_in_loop)
{
    uint result = 0;
    [loop] for (uint n = 0; n < 12; n++)
    {
        [forcecase] switch ((a + n) % 4)
        {
        case 0:
            result += 1;
            break;
        case 1:
            result *= 3;
            break;
        case 2:
            if (result > 500)
                result -= 400;
            result += a % 10;
            break;
        default:
            result ^= 0x15;
            break;
        }
        result += 2;
    }
    return result;
}

// The cases become subroutines.
// fxc: cs_5_0 called
PROGRAM(called)
{
    uint result = 0;
    [call] switch (a % 4)
    {
    case 0:
        result = a + 1;
        break;
    case 1:
        result = a * 3;
        break;
    case 2:
        result = a ^ 0x55;
        break;
    default:
        result = a / 2;
        break;
    }
    return result + 4;
}

// fxc: cs_5_0 early_return
PROGRAM(early_return)
{
    if (a % 5 == 0)
        return 1;
    [loop] for (uint n = 2; n < 40; n++)
    {
        if (a % n == 0)
            return n;
    }
    return 0;
}

// Registers with an index that is not known before the shader runs.
// fxc: cs_5_0 indexed_registers
PROGRAM(indexed_registers)
{
    uint numbers[8];
    [unroll] for (uint n = 0; n < 8; n++)
        numbers[n] = a + n * n;
    numbers[a % 8] = 5;
    numbers[(a >> 3) % 8] += 100;
    return numbers[(a >> 6) % 8] + numbers[(a >> 1) % 8] * 7;
}

static const uint table[12] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8 };

// A table of constants in the shader itself.
// fxc: cs_5_0 immediate_table
PROGRAM(immediate_table)
{
    return table[a % 12] * 100 + table[(a / 12) % 12];
}

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

// fxc: ps_5_0 discarded
float4 discarded(Full pixel) : SV_Target
{
    uint2 place = uint2(pixel.position.xy);
    [loop] for (uint n = 1; n < 5; n++)
    {
        if ((place.x + place.y) % (n * 7) == 3)
            discard;
    }
    return 1;
}

// fxc: ps_5_0 clipped
float4 clipped(Full pixel) : SV_Target
{
    clip(pixel.uv.x - 0.25);
    clip(float2(0.75, 0.5) - pixel.uv);
    return 1;
}

// fxc: ps_5_0 derivatives
float4 derivatives(Full pixel) : SV_Target
{
    float value = pixel.position.x * 0.125 + pixel.position.y * 0.25;
    return float4(ddx(value), ddy(value), fwidth(value), 1);
}

// Within two by two pixels, each row and column has its own difference.
// fxc: ps_5_0 fine_derivatives
float4 fine_derivatives(Full pixel) : SV_Target
{
    uint2 place = uint2(pixel.position.xy) & 1;
    float value = place.x * place.y * 0.5 + place.x * 0.25 + place.y * 0.125;
    return float4(ddx_fine(value), ddy_fine(value), 0, 1);
}

// fxc: ps_5_0 coarse_derivatives
float4 coarse_derivatives(Full pixel) : SV_Target
{
    return float4(ddx_coarse(pixel.position.x) * 0.5, ddy_coarse(pixel.position.y) * 0.25, 0, 1);
}

// A derivative in a branch that whole blocks of two by two pixels take.
// fxc: ps_5_0 derivative_in_branch
float4 derivative_in_branch(Full pixel) : SV_Target
{
    float slope = ddx(pixel.position.x) * 0.5;
    [branch] if (pixel.uv.x < 0.5)
        return float4(slope, 0, 0, 1);
    return float4(0, slope, 0, 1);
}
