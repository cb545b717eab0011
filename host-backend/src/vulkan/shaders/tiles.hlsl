// fxc: cs_5_0 compare
// Two frames of four bytes a texel, without padding.
ByteAddressBuffer now : register(t0);
ByteAddressBuffer before : register(t1);
// Columns, rows and tiles of a row, a word that is not used, and then a bit for each tile, all of them 0.
RWByteAddressBuffer mask : register(u0);

// A thread group for each tile of 64 x 64 texels: sets its bit if one of them has changed.
[numthreads(64, 4, 1)] void compare(uint3 tile : SV_GroupID, uint3 thread : SV_GroupThreadID)
{
    uint3 sizes = mask.Load3(0);
    uint column = tile.x * 64 + thread.x;
    if (column >= sizes.x) return;
    uint changed = 0;
    uint end = min(tile.y * 64 + 64, sizes.y);
    for (uint row = tile.y * 64 + thread.y; row < end; row += 4)
    {
        uint at = (row * sizes.x + column) * 4;
        changed |= now.Load(at) ^ before.Load(at);
    }
    uint number = tile.y * sizes.z + tile.x;
    if (changed != 0) mask.InterlockedOr(16 + number / 32 * 4, 1u << (number % 32));
}
