using System.Diagnostics;
using Vitrine.Kernel.Tasks.Exec;
using Vitrine.Kernel.Time.VirtualDso;

namespace Vitrine.Kernel.Tests.Tasks;

public sealed class VdsoTests
{
    [Fact]
    public void Build_IsAnImageThatTheLoaderAccepts()
    {
        byte[] image = VdsoImage.Build();
        Assert.Equal(Errno.Success, ElfImage.CheckHeader(image, out ElfHeader header));
        Assert.True(ElfImage.Parse(in header, image.AsSpan(64)).Ok);
    }

    [Fact]
    public void Build_ReadelfSeesVersionedFunctionsAndUnwindData()
    {
        string path = Path.Combine(Path.GetTempPath(), $"vitrine-vdso-{Environment.ProcessId}.so");
        File.WriteAllBytes(path, VdsoImage.Build());
        try
        {
            using Process? readelf = Process.Start(new ProcessStartInfo("readelf", $"-W -d --dyn-syms -V -l {path}") { RedirectStandardOutput = true, RedirectStandardError = true });
            string text = readelf!.StandardOutput.ReadToEnd();
            string errors = readelf.StandardError.ReadToEnd();
            readelf.WaitForExit();
            foreach (string name in (string[])["clock_gettime", "gettimeofday", "time", "clock_getres", "getcpu"])
                Assert.Contains($"__vdso_{name}@@LINUX_2.6", text, StringComparison.Ordinal);
            Assert.Contains("linux-vdso.so.1", text, StringComparison.Ordinal);
            Assert.Contains("GNU_EH_FRAME", text, StringComparison.Ordinal);
            Assert.Equal("", errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No binutils here: the loader's own check above must do.
        }
        finally
        {
            File.Delete(path);
        }
    }

    [CompilerFact]
    public void Time_FromVdsoAndFromSyscall_AreOneClock()
    {
        byte[] program = GuestCompiler.Compile("vdso");
        using var machine = new TestMachine();
        machine.AddFile("/vdso", program);
        int status = machine.Run(["/vdso"]);
        Assert.Equal("ok\n", machine.Output);
        Assert.Equal(0, status);
    }
}
