using System.Text;

namespace Vitrine.Tests;

/// <summary>What isn't a program gives the errno that Linux gives, as a typed error of one line.</summary>
public sealed class BadProgramTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("vitrine-bad-").FullName;

    public static TheoryData<string, VitrineFailure, string> Cases() => new()
    {
        { "truncated", VitrineFailure.ProgramNotExecutable, "Exec format error" },
        { "absurd", VitrineFailure.ProgramNotExecutable, "Exec format error" },
        { "text", VitrineFailure.ProgramNotExecutable, "Exec format error" },
        { "empty", VitrineFailure.ProgramNotExecutable, "Exec format error" },
        { "plain", VitrineFailure.ProgramNotExecutable, "Permission denied" },
        { "interpreter", VitrineFailure.ProgramNotFound, "No such file or directory" },
        { "loader", VitrineFailure.ProgramNotFound, "No such file or directory" },
        { "missing", VitrineFailure.ProgramNotFound, "No such file or directory" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task BadProgram_IsRefusedAsByLinux(string name, VitrineFailure failure, string reason)
    {
        byte[] program = await File.ReadAllBytesAsync("/usr/bin/env");
        byte[] absurd = [.. program];
        absurd[56] = absurd[57] = 0xff;
        await WriteAsync("truncated", program[..3000]);
        await WriteAsync("absurd", absurd);
        await WriteAsync("text", "not a program\n"u8.ToArray());
        await WriteAsync("empty", []);
        await WriteAsync("interpreter", "#!/no/such/interpreter\n"u8.ToArray());
        await WriteAsync("loader", Replace(program, "ld-linux-x86-64.so.2", "ld-linux-x86-64.so.9"));
        await File.WriteAllBytesAsync(Path.Combine(_directory, "plain"), program);

        await using Machine machine = await Machine.StartAsync(new MachineOptions
        {
            Memory = 64L << 20,
            Volumes = [new Volume(_directory, "/bad", ReadOnly: true)],
        });
        VitrineException error = await Assert.ThrowsAsync<VitrineException>(() => machine.RunAsync(new ProcessOptions("/bad/" + name)));
        Assert.Equal((failure, $"/bad/{name}: {reason}"), (error.Failure, error.Message));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static byte[] Replace(byte[] bytes, string from, string to)
    {
        byte[] result = [.. bytes];
        int at = result.AsSpan().IndexOf(Encoding.ASCII.GetBytes(from));
        Assert.True(at > 0, "the program names no loader");
        Encoding.ASCII.GetBytes(to).CopyTo(result, at);
        return result;
    }

    private async Task WriteAsync(string name, byte[] content)
    {
        string path = Path.Combine(_directory, name);
        await File.WriteAllBytesAsync(path, content);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }
}
