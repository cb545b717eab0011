/* The interface identifiers that test files use without defining them. */

#include <initguid.h>
#include <d3d10_1.h>
#include <d3d10effect.h>
#include <d3d11_4.h>
#include <dxgi1_6.h>
