using static Vitrine.Tests.Determinism.DeterministicRun;

namespace Vitrine.Tests.Determinism;

/// <summary>Whole programs end in the same state however they are executed: interpreted, translated when warm, translated at once, and a second time.</summary>
public class WholeProgramTests
{
    public static TheoryData<string> Programs() => [.. WholeProgram.All().Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Program_WithOneSeed_EndsInOneState(string name)
    {
        WholeProgram program = WholeProgram.All().Single(p => p.Name == name).Built();
        DeterministicRun interpreted = await OfAsync(program, Engine.Interpreter);
        Assert.True(interpreted.Status == 0 || program.IsGuest, $"ended with status {interpreted.Status}: {interpreted.Output}{interpreted.Error}");
        AssertSame(interpreted, await OfAsync(program, Engine.Translator), "translated");
        AssertSame(interpreted, await OfAsync(program, Engine.Translator), "translated a second time");
        AssertSame(interpreted, await OfAsync(program, Engine.TranslatorAtOnce), "translated at once");
    }
}
