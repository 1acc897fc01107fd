using System.Globalization;
using System.Text;
using static Vitrine.Tests.Determinism.DeterministicRun;

namespace Vitrine.Tests.Determinism;

/// <summary>Random C programs, as a compiler makes code of them, print what they print on the host and end in one state in all engines.</summary>
public class RandomProgramTests
{
    private const int Variables = 5;

    private static readonly int Programs = WholeProgram.IsLong ? 60 : 4;

    [OracleFact("gcc")]
    public async Task RandomPrograms_EndInOneState()
    {
        string[] levels = ["-O0", "-O1", "-O2", "-O3"];
        for (int seed = 0; seed < Programs; seed++)
        {
            WholeProgram program = Compiled.Of("random", Write(new Random(seed)), levels[seed % 4], "-ffp-contract=off", "-fwrapv");
            DeterministicRun interpreted = await OfAsync(program, Engine.Interpreter, (ulong)seed);
            Assert.Equal(0, interpreted.Status);
            Assert.Equal(Encoding.UTF8.GetString(HostRun.Of(Path.Combine(Repository.Artifacts, "determinism", "random"), []).Output), interpreted.Output);
            AssertSame(interpreted, await OfAsync(program, Engine.Translator, (ulong)seed), $"program {seed}, translated");
            AssertSame(interpreted, await OfAsync(program, Engine.TranslatorAtOnce, (ulong)seed), $"program {seed}, translated at once");
        }
    }

    /// <summary>Functions of loops over integers, floating-point numbers and arrays, and a main that calls them with memory from malloc.</summary>
    private static string Write(Random random)
    {
        var c = new StringBuilder("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <stdint.h>\n");
        int functions = random.Next(3, 8);
        for (int f = 0; f < functions; f++)
        {
            c.AppendLine(CultureInfo.InvariantCulture, $"static uint64_t f{f}(uint32_t *m, int n) {{");
            for (int v = 0; v < Variables; v++)
                c.AppendLine(CultureInfo.InvariantCulture, $"  {Type(v)} v{v} = {random.Next(1, 1000)};");
            c.AppendLine(CultureInfo.InvariantCulture, $"  for (int i = 0; i < n; i++) {{");
            int statements = random.Next(3, 12);
            for (int s = 0; s < statements; s++)
                WriteStatement(c, random, f);
            c.AppendLine("  }");
            c.AppendLine("  uint64_t d; memcpy(&d, &v4, 8); return v0 + v1 * 3 + v2 * 5 + v3 * 7 + d;\n}");
        }

        c.AppendLine("int main(void) {\n  uint64_t sum = 0;");
        for (int round = 0; round < 4; round++)
        {
            c.AppendLine(CultureInfo.InvariantCulture, $"  {{ uint32_t *m = calloc({random.Next(256, 60000)}, 4);");
            for (int f = 0; f < functions; f++)
                c.AppendLine(CultureInfo.InvariantCulture, $"    sum = sum * 31 + f{f}(m, {random.Next(100, 20000)});");
            c.AppendLine("    for (int i = 0; i < 256; i++) sum += m[i]; free(m); }");
        }

        return c.AppendLine("  printf(\"%016llx\\n\", (unsigned long long)sum);\n  return 0;\n}").ToString();
    }

    private static string Type(int variable) => variable switch { 0 => "uint64_t", 1 => "uint32_t", 2 => "int64_t", 3 => "uint16_t", _ => "double" };

    private static void WriteStatement(StringBuilder c, Random random, int function)
    {
        int a = random.Next(4), b = random.Next(4), number = random.Next(1, 100);
        c.Append("    ").AppendLine(random.Next(12) switch
        {
            0 => $"v{a} += v{b} * {number};",
            1 => $"v{a} ^= v{b} >> {number % 15};",
            2 => $"if ((v{a} & {number}) < {number / 2}) v{b} = m[(v{a} + i) & 255]; else v{b}++;",
            3 => $"m[(v{a} ^ i) & 255] += v{b};",
            4 => $"v4 = v4 * 0.75 + (double)(int32_t)v{a} / {number};",
            5 => $"v{a} = (uint64_t)v{b} % {number + 1};",
            6 => $"v{a} = v{a} << {number % 13} | v{b} >> {number % 7};",
            7 => $"for (int j = 0; j < {number % 9}; j++) {{ v{a} += m[(i + j * 17) & 255]; if (v{a} & {1 << (number % 8)}) break; }}",
            8 => $"((uint8_t *)m)[(v{a} + {number}) & 1023] ^= v{b};",
            9 => $"if (v4 > {number}) {{ v4 -= v{a} & 255; v{b} -= {number}; }}",
            10 => function == 0 ? $"v{a} -= i;" : $"if ((i & 1023) == {number}) v{a} += f{function - 1}(m, {number % 7});",
            _ => $"memmove(m + {number % 40}, m + {number % 50}, {number} * 2);",
        });
    }
}
