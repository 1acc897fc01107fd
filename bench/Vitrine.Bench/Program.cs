using Vitrine.Bench;

// Benchmarks that compare Vitrine with the host, each printing ratios from one run.
return args switch
{
    [] => RunAll(),
    ["cpu", .. string[] rest] => ProcessorSpeed.Run(rest),
    ["startup"] => StartUp.Run(),
    ["kernel"] => KernelSpeed.Run(),
    ["find"] => TreeWalk.Run(),
    ["pipeline"] => Pipeline.Run(),
    ["programs", .. string[] rest] => RealPrograms.Run(rest),
    _ => Usage(),
};

static int RunAll()
{
    int status = StartUp.Run();
    Console.WriteLine();
    status |= ProcessorSpeed.Run([]);
    Console.WriteLine();
    status |= KernelSpeed.Run();
    Console.WriteLine();
    status |= TreeWalk.Run();
    Console.WriteLine();
    status |= Pipeline.Run();
    Console.WriteLine();
    return status | RealPrograms.Run([]);
}

static int Usage()
{
    Console.Error.WriteLine(
        """
        usage: bench/run [benchmark]
          startup           /bin/true: the host, an empty .NET program, vitrine do
          cpu [program…]    the interpreter against native and qemu-x86_64
          kernel            system calls, switches, fork and exit, changing mappings against the host's kernel
          find              find /usr against the host
          pipeline          a shell pipeline of 20 short commands, the translator against the interpreter
          programs [name…]  python, a compiler, xz, openssl, sqlite: native, qemu-x86_64, translator, interpreter
        Without a name, all of them.
        """);
    return 2;
}
