// fxc: vs_5_0 main
// Each vertex is a point in a pixel of its own, which the attributes choose.
struct Out { float4 position : SV_Position; nointerpolation uint4 ids : IDS; };
Out main(uint vertex : SV_VertexID, uint instance : SV_InstanceID, uint column : COLUMN, uint row : ROW) {
    Out o;
    o.position = float4((column + 0.5) / 4 - 1, 1 - (row + 0.5) / 4, 0.5, 1);
    o.ids = uint4(vertex, instance, column, row);
    return o;
}
