// fxc: ps_5_0 main
float4 main(float4 a : A, float4 b : B) : SV_Target {
    float s, c; sincos(a.x, s, c);
    precise float4 r = a * b + exp2(b);
    r += log2(abs(a)) + sqrt(b) + rsqrt(a) + rcp(b) + frac(a) + floor(b) + ceil(a) + trunc(b) + round(a);
    r.x += s * c + pow(a.y, b.y) + dot(a.xy, b.xy) + dot(a.xyz, b.xyz) + dot(a, b) + ddx(a.x) + ddy_coarse(b.x) + ddx_fine(a.z);
    r.yz = saturate(-abs(r.yz)) + fmod(a.xy, b.xy);
    r.w = any(a) && all(b) ? atan2(a.x, b.x) : asin(b.w) + isnan(a.x) + isinf(b.y);
    return lerp(r, b, step(a, b)) + sign(a) + clamp(a, -1, b) + smoothstep(0, a, b);
}
