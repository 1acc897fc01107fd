"""Floating point in lists and tuples: bodies that attract each other."""
import math
def advance(bodies, dt, n):
    pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1:]]
    for _ in range(n):
        for a, b in pairs:
            dx = a[0] - b[0]; dy = a[1] - b[1]; dz = a[2] - b[2]
            m = dt / math.sqrt((dx * dx + dy * dy + dz * dz) ** 3 + 1e-9)
            a[3] -= dx * b[6] * m; a[4] -= dy * b[6] * m; a[5] -= dz * b[6] * m
            b[3] += dx * a[6] * m; b[4] += dy * a[6] * m; b[5] += dz * a[6] * m
        for p in bodies:
            p[0] += dt * p[3]; p[1] += dt * p[4]; p[2] += dt * p[5]
bodies = [[i * 1.5, i * 0.5 - 1, 2.0 - i, 0.1 * i, 0.2, -0.1 * i, 1.0 + i] for i in range(5)]
advance(bodies, 0.001, 100000)
print(sum(map(sum, bodies)))
