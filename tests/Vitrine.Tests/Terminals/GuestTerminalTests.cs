using System.Text;

namespace Vitrine.Tests.Terminals;

/// <summary>Terminals whose screen and keyboard are streams of the embedding program.</summary>
public class GuestTerminalTests
{
    private static readonly MachineOptions Small = new() { Memory = 128L << 20, Timeout = TimeSpan.FromSeconds(180) };

    [Fact]
    public async Task Shell_OnATerminal_TakesLinesAndSignals()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        using var terminal = new GuestTerminal(columns: 90, rows: 33);
        GuestProcess shell = await StartAsync(machine, terminal, "sh", "-i");
        var screen = new Screen(terminal.Output);
        await TypeAsync(terminal, "tty; stty size\r");
        await screen.WaitForAsync("/dev/pts/0\r\n33 90\r\n");
        terminal.Resize(44, 11);
        await TypeAsync(terminal, "stty size\r");
        await screen.WaitForAsync("11 44\r\n");
        // Not before the program runs is it in the foreground, and ^C for it.
        await TypeAsync(terminal, "sh -c 'echo sleeps; exec sleep 1000'\r");
        await screen.WaitForAsync("sleeps\r\n");
        await TypeAsync(terminal, "\x03");
        await screen.WaitForAsync("^C");
        await TypeAsync(terminal, "exit 7\r");
        ProcessResult result = await shell.WaitAsync();
        Assert.Equal(7, result.ExitCode);
    }

    [Fact]
    public async Task Input_WhenDisposed_HangsUp()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        using var terminal = new GuestTerminal();
        GuestProcess cat = await StartAsync(machine, terminal, "cat");
        var screen = new Screen(terminal.Output);
        await TypeAsync(terminal, "x\r");
        await screen.WaitForAsync("x\r\nx\r\n");
        await terminal.Input.DisposeAsync();
        ProcessResult result = await cat.WaitAsync();
        Assert.Equal(1, result.Signal);
    }

    [Fact]
    public async Task Descriptors_CanBeMixed()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        using var terminal = new GuestTerminal();
        ProcessResult result = await machine.RunAsync(new ProcessOptions("sh", "-c", "test -t 2 && ! test -t 0 && ! test -t 1 && echo on the terminal >&2; ls -l /proc/self/fd/2")
        {
            StandardError = ProcessStream.FromTerminal(terminal),
        });
        Assert.EndsWith("/dev/pts/0\n", result.Output, StringComparison.Ordinal);
        await new Screen(terminal.Output).WaitForAsync("on the terminal\r\n");
    }

    [Theory]
    [InlineData(0, 24)]
    [InlineData(80, 0)]
    [InlineData(80, 65_536)]
    public void Size_OutOfRange_IsRefused(int columns, int rows) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new GuestTerminal(columns, rows));

    [Fact]
    public async Task Machine_WithTerminals_ComesToRestAndLeavesNothing()
    {
        Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 128L << 20, Timeout = TimeSpan.FromSeconds(180), Audit = true, YieldSeed = 7 });
        using var terminal = new GuestTerminal();
        GuestProcess shell = await StartAsync(machine, terminal, "sh", "-c", "script -qc 'tty; cat' /dev/null");
        var screen = new Screen(terminal.Output);
        await screen.WaitForAsync("/dev/pts/1\r\n");
        await TypeAsync(terminal, "through two terminals\r");
        await screen.WaitForAsync("through two terminals\r\nthrough two terminals\r\n");
        await machine.StopAsync();
        Assert.Equal(9, (await shell.WaitAsync()).Signal);
    }

    private static Task<GuestProcess> StartAsync(Machine machine, GuestTerminal terminal, string program, params string[] arguments)
    {
        var stream = ProcessStream.FromTerminal(terminal);
        return machine.StartProcessAsync(new ProcessOptions(program, arguments)
        {
            StandardInput = stream,
            StandardOutput = stream,
            StandardError = stream,
        });
    }

    private static async Task TypeAsync(GuestTerminal terminal, string text) => await terminal.Input.WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>What has been shown so far.</summary>
    private sealed class Screen(Stream output)
    {
        private readonly StringBuilder _text = new();
        private readonly byte[] _buffer = new byte[4096];

        /// <summary>Reads until a text has come, and forgets everything up to its end.</summary>
        public async Task WaitForAsync(string wanted)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            for (; ; )
            {
                string text = _text.ToString();
                int at = text.IndexOf(wanted, StringComparison.Ordinal);
                if (at >= 0)
                {
                    _text.Clear().Append(text[(at + wanted.Length)..]);
                    return;
                }

                int count = await output.ReadAsync(_buffer, limit.Token);
                Assert.True(count > 0, $"the screen ended before '{wanted}': {text}");
                _text.Append(Encoding.UTF8.GetString(_buffer, 0, count));
            }
        }
    }
}
