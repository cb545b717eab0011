// One operation each, on 64 pairs of numbers.

StructuredBuffer<uint> input : register(t0);
RWStructuredBuffer<uint> output : register(u0);

#define PROGRAM(name, value) \
    [numthreads(64, 1, 1)] void name(uint i : SV_DispatchThreadID) \
    { \
        uint a = input[i], b = input[i + 64], c = input[i + 128]; \
        float x = asfloat(a), y = asfloat(b), z = asfloat(c); \
        output[i] = value; \
    }

// fxc: cs_5_0 reverse_bits
PROGRAM(reverse_bits, reversebits(a))
// fxc: cs_5_0 count_bits
PROGRAM(count_bits, countbits(a))
// fxc: cs_5_0 first_bit_high
PROGRAM(first_bit_high, firstbithigh(a))
// fxc: cs_5_0 first_bit_high_signed
PROGRAM(first_bit_high_signed, firstbithigh((int)a))
// fxc: cs_5_0 first_bit_low
PROGRAM(first_bit_low, firstbitlow(a))
// fxc: cs_5_0 multiply
PROGRAM(multiply, a * b + c)
// fxc: cs_5_0 divide
PROGRAM(divide, a / b)
// fxc: cs_5_0 remainder
PROGRAM(remainder, a % b)
// fxc: cs_5_0 divide_signed
PROGRAM(divide_signed, (uint)((int)a / (int)(b | 1)))
// fxc: cs_5_0 shift_left
PROGRAM(shift_left, a << b)
// fxc: cs_5_0 shift_right
PROGRAM(shift_right, a >> b)
// fxc: cs_5_0 shift_right_signed
PROGRAM(shift_right_signed, (uint)((int)a >> b))
// fxc: cs_5_0 minimum_signed
PROGRAM(minimum_signed, (uint)min((int)a, (int)b))
// fxc: cs_5_0 maximum_unsigned
PROGRAM(maximum_unsigned, max(a, b))
// fxc: cs_5_0 extract_bits
PROGRAM(extract_bits, (a >> 7) & 0x1ff)
// fxc: cs_5_0 insert_bits
PROGRAM(insert_bits, (a & ~0xff0) | ((b << 4) & 0xff0))
// fxc: cs_5_0 bit_logic
PROGRAM(bit_logic, (a & b) ^ (~a | c))
// fxc: cs_5_0 masked_differences
PROGRAM(masked_differences, msad4(a, uint2(b, c), uint4(1, 2, 3, 4)).z)
// fxc: cs_5_0 half_to_float
PROGRAM(half_to_float, asuint(f16tof32(a)))
// fxc: cs_5_0 float_to_half
PROGRAM(float_to_half, f32tof16(x))
// fxc: cs_5_0 float_to_int
PROGRAM(float_to_int, (uint)(int)x)
// fxc: cs_5_0 float_to_unsigned
PROGRAM(float_to_unsigned, (uint)x)
// fxc: cs_5_0 int_to_float
PROGRAM(int_to_float, asuint((float)(int)a))
// fxc: cs_5_0 unsigned_to_float
PROGRAM(unsigned_to_float, asuint((float)a))

// fxc: cs_5_0 multiply_add
PROGRAM(multiply_add, asuint(mad(x, y, z)))
// fxc: cs_5_0 quotient
PROGRAM(quotient, asuint(x / y))
// fxc: cs_5_0 reciprocal
PROGRAM(reciprocal, asuint(rcp(x)))
// fxc: cs_5_0 square_root
PROGRAM(square_root, asuint(sqrt(x)))
// fxc: cs_5_0 inverse_root
PROGRAM(inverse_root, asuint(rsqrt(x)))
// fxc: cs_5_0 exponential
PROGRAM(exponential, asuint(exp2(x)))
// fxc: cs_5_0 logarithm
PROGRAM(logarithm, asuint(log2(x)))
// fxc: cs_5_0 sine
PROGRAM(sine, asuint(sin(x)))
// fxc: cs_5_0 cosine
PROGRAM(cosine, asuint(cos(x)))
// fxc: cs_5_0 floor_of
PROGRAM(floor_of, asuint(floor(x)))
// fxc: cs_5_0 ceiling
PROGRAM(ceiling, asuint(ceil(x)))
// fxc: cs_5_0 nearest_even
PROGRAM(nearest_even, asuint(round(x)))
// fxc: cs_5_0 truncate
PROGRAM(truncate, asuint(trunc(x)))
// fxc: cs_5_0 fraction
PROGRAM(fraction, asuint(frac(x)))
// fxc: cs_5_0 saturated
PROGRAM(saturated, asuint(saturate(x)))
// fxc: cs_5_0 minimum
PROGRAM(minimum, asuint(min(x, y)))
// fxc: cs_5_0 maximum
PROGRAM(maximum, asuint(max(x, y)))
// fxc: cs_5_0 less
PROGRAM(less, (uint)(x < y))
// fxc: cs_5_0 not_equal
PROGRAM(not_equal, (uint)(x != y))
// fxc: cs_5_0 dot_product
PROGRAM(dot_product, asuint(dot(float4(x, y, z, 1), float4(y, z, x, 2))))
// fxc: cs_5_0 absolute_negated
PROGRAM(absolute_negated, asuint(-abs(x) * 2))
// fxc: cs_5_0 remainder_float
PROGRAM(remainder_float, asuint(fmod(x, y)))
// fxc: cs_5_0 is_special
PROGRAM(is_special, (isnan(x) ? 1 : 0) | (isinf(x) ? 2 : 0) | (isfinite(x) ? 4 : 0))
// fxc: cs_5_0 selected
PROGRAM(selected, x > 0.5 ? a : (y > 0.5 ? b : c))

#define DOUBLES(name, value) \
    [numthreads(32, 1, 1)] void name(uint i : SV_DispatchThreadID) \
    { \
        double p = asdouble(input[i * 2], input[i * 2 + 1]); \
        double q = asdouble(input[i * 2 + 64], input[i * 2 + 65]); \
        double r = value; \
        asuint(r, output[i * 2], output[i * 2 + 1]); \
    }

// fxc: cs_5_0 double_sum
DOUBLES(double_sum, p + q)
// fxc: cs_5_0 double_product
DOUBLES(double_product, p * q)
// fxc: cs_5_0 double_quotient
DOUBLES(double_quotient, p / q)
// fxc: cs_5_0 double_fused
DOUBLES(double_fused, fma(p, q, p))
// fxc: cs_5_0 double_minimum
DOUBLES(double_minimum, min(p, q))
// fxc: cs_5_0 double_selected
DOUBLES(double_selected, p < q ? q : p)
// fxc: cs_5_0 double_through_float
DOUBLES(double_through_float, (double)(float)p)
// fxc: cs_5_0 double_through_int
DOUBLES(double_through_int, (double)(int)p)
