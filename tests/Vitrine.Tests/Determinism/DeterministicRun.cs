namespace Vitrine.Tests.Determinism;

/// <summary>One run of a program on a machine with a seed: what it printed, and the machine's state at its end.</summary>
internal sealed record DeterministicRun(string Output, string Error, int Status, StateHash State)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(300);

    /// <summary>How a run is executed; none of it may show.</summary>
    public enum Engine
    {
        Interpreter = 0,
        Translator = 1,

        /// <summary>Everything is translated at its first execution.</summary>
        TranslatorAtOnce = 2,
    }

    public static async Task<DeterministicRun> OfAsync(WholeProgram program, Engine engine, ulong seed = 7)
    {
        await using Machine machine = await Machine.StartAsync(new MachineOptions
        {
            Seed = seed,
            HashesState = true,
            Engine = engine == Engine.Interpreter ? ProcessorEngine.Interpreter : ProcessorEngine.Translator,
            TranslatesAtOnce = engine == Engine.TranslatorAtOnce,
            Memory = 512L << 20,
            Timeout = Limit,
            HostTree = HostTree.Of("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"),
            Volumes = [.. program.Volumes],
        });
        ProcessResult result = await machine.RunAsync(new ProcessOptions(program.Command[0], program.Command[1..])
        {
            WorkingDirectory = "/tmp",
            StandardInput = program.Input is { } input ? ProcessStream.FromText(input) : ProcessStream.Null,
        }).WaitAsync(2 * Limit);
        Assert.False(result.TimedOut, $"{program.Name} did not end; it printed:\n{result.Output}{result.Error}");
        Assert.NotNull(result.StateHash);
        return new DeterministicRun(result.Output, result.Error, result.ShellStatus, result.StateHash);
    }

    /// <summary>Fails, and says which part of the state differs, unless both did the same.</summary>
    public static void AssertSame(DeterministicRun expected, DeterministicRun actual, string how)
    {
        Assert.True(expected.Output == actual.Output, $"{how}: printed\n{actual.Output}\nnot\n{expected.Output}");
        Assert.Equal((expected.Error, expected.Status), (actual.Error, actual.Status));
        Assert.True(expected.State.Instructions == actual.State.Instructions, $"{how}: {actual.State.Instructions} instructions, not {expected.State.Instructions}");
        Assert.True(expected.State.Machine == actual.State.Machine, $"{how}: clocks, queues or counters differ");
        Assert.True(expected.State.Tasks == actual.State.Tasks, $"{how}: tasks differ");
        Assert.True(expected.State.Memory == actual.State.Memory, $"{how}: memory differs");
        Assert.Equal(expected.State.Value, actual.State.Value);
    }
}
