using Vitrine.Hardware;
using static Vitrine.Tests.Determinism.DeterministicRun;

namespace Vitrine.Tests.Determinism;

/// <summary>What a seed decides, and what time is on a machine that has one.</summary>
public class SeedTests
{
    [OracleFact("gcc")]
    public async Task OtherSeed_GivesOtherChance_EverywhereThatThereIsAny()
    {
        WholeProgram program = Compiled.Of("chance", File.ReadAllText(Repository.PathOf("tests", "Vitrine.Tests", "Determinism", "Programs", "chance.c")), "-O1", "-pie");
        DeterministicRun first = await OfAsync(program, Engine.Translator, seed: 1);
        DeterministicRun second = await OfAsync(program, Engine.Translator, seed: 2);
        AssertSame(first, await OfAsync(program, Engine.Interpreter, seed: 1), "with the same seed");
        string[] one = first.Output.TrimEnd().Split('\n'), two = second.Output.TrimEnd().Split('\n');
        Assert.Equal(12, one.Length);
        Assert.All(one.Zip(two), pair => Assert.NotEqual(pair.First, pair.Second));
        Assert.NotEqual(first.State.Value, second.State.Value);
    }

    [Fact]
    public async Task Time_BeginsIn2030_AndSleepingTakesNone()
    {
        long before = Environment.TickCount64;
        DeterministicRun run = await OfAsync(new("date", "sh", "-c", "date -u +%F; sleep 100000000; date -u +%F"), Engine.Translator);
        Assert.Equal("2030-01-01\n2033-03-03\n", run.Output);
        Assert.True(Environment.TickCount64 - before < 60_000);
    }

    [Fact]
    public async Task Time_IsRetiredInstructions()
    {
        // 100,000,000 nanoseconds are as many instructions, whatever they are and however they are executed.
        DeterministicRun run = await OfAsync(new("loop", "bash", "-c", "t=$EPOCHREALTIME; while (( ${EPOCHREALTIME/./} - ${t/./} < 100000 )); do :; done"), Engine.Translator);
        Assert.InRange(run.State.Instructions, 80_000_000UL, 110_000_000UL);
    }

    [Fact]
    public async Task BusyTasks_TakeTurnsAtTheSameInstructions()
    {
        const string script = "f() { for ((i = 0; i < 3000; i++)); do :; done; echo $1 $i; }; for n in 1 2 3 4 5; do f $n & done; wait; times";
        DeterministicRun interpreted = await OfAsync(new("turns", "bash", "-c", script), Engine.Interpreter);
        AssertSame(interpreted, await OfAsync(new("turns", "bash", "-c", script), Engine.Translator), "translated");
    }

    /// <summary>The machine stands still while it waits for input, so that nobody sees in which pieces it comes, and when.</summary>
    [Fact]
    public async Task Input_InAnyPieces_IsTheSameInput()
    {
        string[] command = ["sh", "-c", "read first; echo $first; date +%N; cat | wc -c; date +%N"];
        StateHash? expected = null;
        foreach (int piece in new[] { 100_000, 1, 7, 4096 })
        {
            await using Machine machine = await Machine.StartAsync(new MachineOptions { Seed = 5, HashesState = true, Timeout = TimeSpan.FromSeconds(120) });
            GuestProcess process = await machine.StartProcessAsync(new ProcessOptions(command[0], command[1..]) { StandardInput = ProcessStream.Pipe, WorkingDirectory = "/" });
            byte[] input = [.. "a line\n"u8, .. new byte[20_000]];
            for (int at = 0; at < input.Length; at += piece)
            {
                await process.StandardInput!.WriteAsync(input.AsMemory(at, Math.Min(piece, input.Length - at)));
                if (piece > 1 || at % 100 == 0)
                    await Task.Yield();
            }

            await process.StandardInput!.DisposeAsync();
            ProcessResult result = await process.WaitAsync();
            expected ??= result.StateHash;
            Assert.Equal(expected!.Value, result.StateHash!.Value);
            Assert.Contains("\n20000\n", result.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task HashesInBetween_AreTheSameInBothEngines_AndChangeNothing()
    {
        WholeProgram program = new("sums", "bash", "-c", "for ((i = 0; i < 2000; i++)); do s=$((s + i)); done; echo $s | cat");
        DeterministicRun plain = await OfAsync(program, Engine.Translator);
        List<string>? expected = null;
        foreach (ProcessorEngine engine in new[] { ProcessorEngine.Interpreter, ProcessorEngine.Translator })
        {
            List<string> seen = [];
            await using Machine machine = await Machine.StartAsync(new MachineOptions
            {
                Seed = 7,
                HashesState = true,
                StateHashInterval = 1_000_000,
                StateHashed = hash => seen.Add($"{hash.Instructions} {hash.Value}"),
                Engine = engine,
                Memory = 512L << 20,
                HostTree = HostTree.Of("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"),
                Timeout = TimeSpan.FromSeconds(120),
            });
            ProcessResult result = await machine.RunAsync(new ProcessOptions(program.Command[0], program.Command[1..]) { WorkingDirectory = "/tmp" });
            Assert.Equal(plain.State.Value, result.StateHash!.Value);
            expected ??= seen;
            Assert.Equal(expected, seen);
        }

        Assert.True(expected!.Count > 5);
        Assert.StartsWith("1000000 ", expected[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task OptionsThatContradict_AreRefused()
    {
        foreach (MachineOptions options in new MachineOptions[] { new() { Seed = 1, Processors = 2 }, new() { HashesState = true } })
            Assert.Equal(VitrineFailure.InvalidOption, (await Assert.ThrowsAsync<VitrineException>(() => Machine.StartAsync(options))).Failure);
    }

    /// <summary>RFC 8439, 2.3.2: the test vector of the block function.</summary>
    [Fact]
    public void Entropy_IsChaCha20()
    {
        uint[] state =
        [
            0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
            0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c, 0x00000001, 0x09000000, 0x4a000000, 0x00000000,
        ];
        byte[] block = new byte[64];
        SeededEntropy.Block(state, block);
        Assert.Equal("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e", Convert.ToHexStringLower(block));
    }

    [Fact]
    public void Entropy_DoesNotDependOnHowItIsAskedFor()
    {
        byte[] whole = new byte[1000], pieces = new byte[1000];
        new SeededEntropy(9).Fill(whole);
        var entropy = new SeededEntropy(9);
        for (int at = 0, size = 1; at < pieces.Length; at += size, size = (size * 7 % 90) + 1)
            entropy.Fill(pieces.AsSpan(at, Math.Min(size, pieces.Length - at)));
        Assert.Equal(whole, pieces);
    }
}
