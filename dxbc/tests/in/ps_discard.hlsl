// fxc: ps_5_0 main
// Derivatives after a discard take their differences from pixels that are gone; their stores vanish.
RWByteAddressBuffer marks : register(u1);
float4 main(float4 position : SV_Position) : SV_Target {
    uint2 p = position.xy;
    if ((p.x + p.y) % 3 == 0) discard;
    float square = position.x * position.x + 3 * position.y * position.y;
    float4 result = float4(ddx_fine(square), ddy_fine(square), ddx_coarse(position.x), 1);
    uint before;
    marks.InterlockedAdd(0, 1, before);
    marks.Store(4 + 4 * (p.y * 8 + p.x), 1);
    return result;
}
