// fxc: vs_5_0 main
uint main(uint vertex : SV_VertexID, uint instance : SV_InstanceID) : NUMBER { return vertex + 1000 * instance; }
