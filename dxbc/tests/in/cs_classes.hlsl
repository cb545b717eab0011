// fxc: cs_5_0 main
// Interfaces, whose classes are chosen when the shader is bound: one, an array of them indexed by a constant buffer, and one class
// whose members are two structures.
interface Shape
{
    float area(float scale);
    uint corners();
};

class Square : Shape
{
    float side;
    uint extra;
    float area(float scale) { return side * side * scale; }
    uint corners() { return 4 + extra; }
};

class Circle : Shape
{
    float4 radii;
    float area(float scale)
    {
        float sum = 0;
        for (int n = 0; n < 4; n++)
        {
            if (radii[n] < 0)
                return sum;
            sum += radii[n] * scale;
        }
        return sum;
    }
    uint corners() { return 0; }
};

class Empty : Shape
{
    float area(float scale) { return -scale; }
    uint corners() { return 99; }
};

cbuffer Instances : register(b0)
{
    Square square;
    Circle circle;
    Square squares[3];
    Empty empty;
};

cbuffer Choice : register(b1)
{
    uint first;
};

Shape single;
Shape several[3];

RWStructuredBuffer<float4> results : register(u0);

[numthreads(1, 1, 1)]
void main(uint3 id : SV_DispatchThreadID)
{
    float4 result;
    result.x = single.area(2);
    result.y = single.corners();
    Shape chosen = several[first % 3];
    result.z = chosen.area(id.x + 1);
    result.w = chosen.corners() + several[1].corners() * 1000;
    results[id.x] = result;
}
