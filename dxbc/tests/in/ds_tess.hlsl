// fxc: ds_5_0 main
struct V { float4 position : POSITION; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; };
[domain("tri")] float4 main(C c, float3 uvw : SV_DomainLocation, const OutputPatch<V, 3> patch) : SV_Position { return patch[0].position * uvw.x + patch[1].position * uvw.y + patch[2].position * uvw.z; }
